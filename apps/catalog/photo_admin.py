"""Photos on the page of a station: upload, words, order, away with it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from apps.catalog import photo_services
from apps.catalog.admin_scope import OfOneOperator
from apps.catalog.models import StationPhoto
from apps.catalog.photos import FORMATS, Photo, UnusablePhoto, read_photo


class PhotoForm(forms.ModelForm):
    upload = forms.FileField(
        label=_("photo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ",".join(f"image/{name.lower()}" for name in FORMATS)}),
        help_text=_("JPEG, PNG or WebP, at most 10 MB. Where it was taken is removed from it."),
    )

    class Meta:
        model = StationPhoto
        fields = ["alt", "position"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.instance.pk and "upload" in self.fields:  # another picture is another photo
            self.fields["upload"].disabled = True
            self.fields["upload"].widget = forms.HiddenInput()

    def clean_upload(self) -> Photo | None:
        file: UploadedFile | None = self.cleaned_data["upload"]
        if self.instance.pk:
            return None
        if file is None:
            raise forms.ValidationError(_("Choose a photo."))
        try:
            return read_photo(file)
        except UnusablePhoto as unusable:
            raise forms.ValidationError(unusable.message) from unusable

    def _get_validation_exclusions(self) -> set[str]:
        """The files are written with the row, after this."""
        return {*super()._get_validation_exclusions(), "large", "small", "link", "small_link"}


class PhotoFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        wanted = [form for form in self.forms if form.instance.pk or form.has_changed()]
        if len(wanted) - len(self.deleted_forms) > photo_services.MOST_PHOTOS:
            raise forms.ValidationError(_("A station has ten photos at most. Take one away first."))


class PhotoInline(OfOneOperator, admin.TabularInline):
    """Managers of the station's operator; for others Django's own permissions."""

    managers_may_add = managers_may_change = True
    model = StationPhoto
    form, formset = PhotoForm, PhotoFormSet
    extra = 1
    max_num = photo_services.MOST_PHOTOS
    readonly_fields = ["picture"]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        may_upload = self.has_add_permission(request, obj)
        return ["picture", *(["upload"] if may_upload else []), "alt", "position"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._allowed(request, "delete", self._is_manager(request), obj)

    @admin.display(description=_("as it is shown"))
    def picture(self, photo: StationPhoto) -> str:
        if not photo.pk:
            return "–"
        if photo.link:
            return format_html(
                '<a href="{}" rel="noreferrer">{}</a>', photo.link, _("a link of the imported file")
            )
        return format_html('<img src="{}" alt="{}" height="80">', photo.small.url, photo.alt)


def save_photos(formset: PhotoFormSet) -> None:
    """What the page of a station asks for, by the services; the lists are what Django's log wants to know."""
    formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
    for form in formset.deleted_forms:
        if form.instance.pk:
            formset.deleted_objects.append(form.instance)
            photo_services.remove_photo(photo=form.instance)
    for form in formset.forms:
        if form in formset.deleted_forms or not form.has_changed():
            continue
        words = {name: form.cleaned_data[name] for name in ("alt", "position")}
        if form.instance.pk:
            formset.changed_objects.append((form.instance, form.changed_data))
            photo_services.update_photo(photo=form.instance, **words)
        else:
            photo = form.cleaned_data["upload"]
            added = photo_services.add_photo(station=formset.instance, photo=photo, **words)
            formset.new_objects.append(added)
